"""models.py: what tutorials of SQLAlchemy map, for sqlalchemy.test.

Each function maps its classes anew and returns them behind their Base, so that
the same names may be mapped in several ways.  What SQLAlchemy 2.0 does not have
any more is an error with 1.4, too.
"""

import os
import warnings

os.environ["SQLALCHEMY_WARN_20"] = "1"

import sqlalchemy  # noqa: E402
from sqlalchemy import (Column, ForeignKey, Index, Integer, String, Table,
                        create_engine, event)
from sqlalchemy.orm import Session, declarative_base, relationship

warnings.filterwarnings("error", category=sqlalchemy.exc.SADeprecationWarning)


def connect(path, library=None, begin=False):
    """An engine; with the extension; with transactions that SELECT begins."""
    engine = create_engine("sqlite:///" + path, future=True)

    @event.listens_for(engine, "connect")
    def load(connection, record):
        if begin:
            connection.isolation_level = None
        if library:
            connection.enable_load_extension(True)
            connection.load_extension(library)
            connection.enable_load_extension(False)

    if begin:
        @event.listens_for(engine, "begin")
        def say_begin(connection):
            connection.exec_driver_sql("BEGIN")

    return engine


def start(path, Base, library=None, begin=False):
    """A session on the file, with the tables that were missing."""
    engine = connect(path, library, begin)
    Base.metadata.create_all(engine)
    return Session(engine, future=True)


def campus():
    Base = declarative_base()
    student_course = Table(
        "student_course", Base.metadata,
        Column("student_id", ForeignKey("students.id"), primary_key=True),
        Column("course_id", ForeignKey("courses.id"), primary_key=True))

    class Student(Base):
        __tablename__ = "students"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        courses = relationship("Course", secondary=student_course,
                               back_populates="students",
                               order_by="Course.id")

    class Course(Base):
        __tablename__ = "courses"
        id = Column(Integer, primary_key=True)
        title = Column(String)
        students = relationship("Student", secondary=student_course,
                                back_populates="courses",
                                order_by="Student.id")

    return Base, Student, Course


def campus_rows(session, Student, Course):
    s1, s2 = Student(name="Alice"), Student(name="Bob")
    c1, c2 = Course(title="Math"), Course(title="Science")
    session.add_all([s1, s2, c1, c2])
    session.flush()
    s1.courses.append(c1)
    s1.courses.append(c2)
    s2.courses.append(c1)
    session.commit()
    return s1, s2, c1, c2


def campus_class():
    """The association as a class."""
    Base = declarative_base()

    class Student(Base):
        __tablename__ = "student"
        id = Column(Integer, primary_key=True)
        name = Column(String, nullable=False)
        courses = relationship("StudentCourse", back_populates="student")

    class Course(Base):
        __tablename__ = "course"
        id = Column(Integer, primary_key=True)
        title = Column(String, nullable=False)
        students = relationship("StudentCourse", back_populates="course")

    class StudentCourse(Base):
        __tablename__ = "student_course"
        student_id = Column(Integer, ForeignKey("student.id"),
                            primary_key=True)
        course_id = Column(Integer, ForeignKey("course.id"), primary_key=True)
        student = relationship("Student", back_populates="courses")
        course = relationship("Course", back_populates="students")

    return Base, Student, Course, StudentCourse


def cars():
    Base = declarative_base()

    class CarBrand(Base):
        __tablename__ = "car_brand"
        id = Column(Integer, primary_key=True)
        name = Column(String, unique=True, nullable=False)
        models = relationship("CarModel", back_populates="brand")

    class CarModel(Base):
        __tablename__ = "car_model"
        id = Column(Integer, primary_key=True)
        name = Column(String, nullable=False)
        brand_id = Column(Integer, ForeignKey("car_brand.id"), nullable=False)
        brand = relationship("CarBrand", back_populates="models")
        cars = relationship("CarInfo", back_populates="model")

    class CarInfo(Base):
        __tablename__ = "car_info"
        id = Column(Integer, primary_key=True)
        car_id = Column(String, unique=True, nullable=False)
        model_id = Column(Integer, ForeignKey("car_model.id"), nullable=False)
        year = Column(Integer, nullable=False)
        price = Column(Integer)
        model = relationship("CarModel", back_populates="cars")
        __table_args__ = (Index("idx_car_id", "car_id"),)

    return Base, CarBrand, CarModel, CarInfo


def cars_rows(session, CarBrand, CarModel, CarInfo):
    brand1, brand2 = CarBrand(name="Toyota"), CarBrand(name="Honda")
    session.add_all([brand1, brand2])
    model1 = CarModel(name="Corolla", brand=brand1)
    model2 = CarModel(name="Civic", brand=brand2)
    session.add_all([model1, model2])
    session.add_all([
        CarInfo(car_id="C1", model=model1, year=2020, price=20000),
        CarInfo(car_id="C2", model=model1, year=2021, price=21000),
        CarInfo(car_id="C3", model=model2, year=2020, price=22000),
        CarInfo(car_id="C4", model=model2, year=2022, price=23000)])
    session.commit()


def blog():
    Base = declarative_base()

    class User(Base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String)

    class Post(Base):
        __tablename__ = "posts"
        id = Column(Integer, primary_key=True)
        title = Column(String)
        user_id = Column(Integer, ForeignKey("users.id"))
        user = relationship("User", backref="posts")

    return Base, User, Post


def articles():
    Base = declarative_base()

    class User(Base):
        __tablename__ = "user"
        user_id = Column(Integer, primary_key=True, autoincrement=True)
        username = Column(String, nullable=False)
        email = Column(String, nullable=False)

    class Article(Base):
        __tablename__ = "article"
        article_id = Column(Integer, primary_key=True, autoincrement=True)
        title = Column(String, nullable=False)
        content = Column(String)

    class ArticleAuthors(Base):
        __tablename__ = "article_authors"
        user_id = Column(Integer, ForeignKey("user.user_id"),
                         primary_key=True)
        article_id = Column(Integer, ForeignKey("article.article_id"),
                            primary_key=True)
        user = relationship("User", back_populates="articles")
        article = relationship("Article", back_populates="authors")

    User.articles = relationship("ArticleAuthors", back_populates="user")
    Article.authors = relationship("ArticleAuthors", back_populates="article")
    return Base, User, Article, ArticleAuthors


def profiles():
    Base = declarative_base()

    class User(Base):
        __tablename__ = "user"
        id = Column(Integer, primary_key=True)
        profile = relationship("Profile", back_populates="user", uselist=False)

    class Profile(Base):
        __tablename__ = "profile"
        id = Column(Integer, primary_key=True)
        user_id = Column(Integer, ForeignKey("user.id"))
        user = relationship("User", back_populates="profile")

    return Base, User, Profile


def family(nullable=True, **options):
    """Parents and children; options are those of Parent.children."""
    Base = declarative_base()

    class Parent(Base):
        __tablename__ = "parent_table"
        id = Column(Integer, primary_key=True)
        children = relationship("Child", back_populates="parent",
                                order_by="Child.id", **options)

    class Child(Base):
        __tablename__ = "child_table"
        id = Column(Integer, primary_key=True)
        parent_id = Column(Integer, ForeignKey("parent_table.id"),
                           nullable=nullable)
        parent = relationship("Parent", back_populates="children")

    return Base, Parent, Child
